"""From a stateful ruleset and a policy of hot ports to one in which these ports are not tracked."""
