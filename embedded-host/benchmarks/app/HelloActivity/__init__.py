import platform


def main(name: str) -> str:
    return f"Hello {name}! from {platform.system()} operating system"
