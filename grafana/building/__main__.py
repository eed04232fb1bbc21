"""Writes the dashboards, and what they answer into the README: python3 -m grafana.building."""

from grafana.building.pages import DASHBOARDS, README, file_of, text_of
from grafana.building.readme import told


def main() -> None:
    """Write everything anew."""
    for dashboard in DASHBOARDS:
        path = file_of(dashboard)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text_of(dashboard), encoding="utf-8")
    README.write_text(told(README.read_text(encoding="utf-8"), DASHBOARDS), encoding="utf-8")


if __name__ == "__main__":
    main()
