"""Risk findings: what in a skill could harm those who install it, told from its files alone.

``scan_skill(files)`` is pure: bytes by path in, findings out. Rules are written from classes of attack, one module
each; ``docs/RISK_FINDINGS.md`` lists them with what they cannot see.
"""

from molthub.registry.risk.finding import Finding
from molthub.registry.risk.scan import scan_skill

__all__ = ["Finding", "scan_skill"]
