"""What a text asks for: its embedding, its parts, and the manner that it names."""
