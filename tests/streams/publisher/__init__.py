"""The publisher's parts, and the whole without a broker."""
