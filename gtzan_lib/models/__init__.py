"""Networks and other classifiers, from one input to ten logits."""
