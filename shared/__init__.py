"""Code that the functions of this app share. It does not import Azure packages."""
