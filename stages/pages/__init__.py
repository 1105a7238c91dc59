"""What every page shares: style sheets, and how figures are drawn."""
