-- Release 1: the column exists, old code does not know it.
set lock_timeout = '2s';
alter table public.orders add column channel text;
alter table public.orders alter column channel set default 'web';

-- Between the releases, in portions, until no row is left:
--   update public.orders set channel = 'web'
--   where id in (select id from public.orders where channel is null limit 5000);

-- Release 2: prove it, without a long lock.
set lock_timeout = '2s';
alter table public.orders add constraint orders_channel_present check (channel is not null) not valid;
alter table public.orders validate constraint orders_channel_present;

-- Release 3: the proof makes this instant.
set lock_timeout = '2s';
-- molthub: allow set-not-null
alter table public.orders alter column channel set not null;
alter table public.orders drop constraint orders_channel_present;
