"""The local runtime: a real Kafka broker, a real schema registry and the workers as child processes of this machine."""
