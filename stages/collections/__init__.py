"""What several data sets share: one package's tables, texts and images, and the samples table they make."""
