"""Code that several data sets share: readers of one package's tables, texts or images, and the assembly of the samples table."""
