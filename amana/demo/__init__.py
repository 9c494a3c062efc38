"""The demonstration: a whole region on one machine, from invented events to released trends."""
