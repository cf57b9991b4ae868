"""What operators of a controller have it do from elsewhere."""
