"""Contracts between the parties: Avro schemas, privacy roles, code lists, the codec, sealing and signatures.

The lowest floor: every other package may import it, and it imports none of them. It reads its own data files and does
no other input or output.
"""
