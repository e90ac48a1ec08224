"""Print a run's stage of life, read from MLflow's SQLite file itself: stage.py DATABASE RUN"""

import json
import sqlite3
import sys
from contextlib import closing

database, run = sys.argv[1:]
with closing(sqlite3.connect(database)) as connection:
    row = connection.execute("select lifecycle_stage from runs where run_uuid = ?", (run,)).fetchone()
print(json.dumps(row[0] if row else None))
