"""A sound ruleset with NOTRACK, for examples that differ from it in a line or two."""

ERRORS = "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
KNOWN = "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
ACCEPTED = "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n"
REQUESTS = "-A PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n"
ANSWERS = "-A OUTPUT ! -o lo -p tcp --sport 80 -j CT --notrack\n"

SERVER = f"*filter\n:INPUT DROP [0:0]\n{ERRORS}{KNOWN}{ACCEPTED}COMMIT\n*raw\n{REQUESTS}{ANSWERS}COMMIT\n"
"""A web server whose requests and answers are left untracked, and all else is tracked."""
