"""DVC's `evaluate` stage: `scgan evaluate`, by the name under which dvc.yaml runs it."""

from scgan_model.cli import run

if __name__ == "__main__":
    run("evaluate")
