"""What the functions of this app share: plain Python that knows nothing of Azure."""
