"""What words may go out: templates to begin with, and no stock replies."""
