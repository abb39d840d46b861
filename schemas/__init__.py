"""What crosses a boundary: Avro schemas, records, codec, compatibility, monitor file."""
