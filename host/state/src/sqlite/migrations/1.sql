-- Amounts are exact decimal text. Times are whole milliseconds since the Unix epoch.

-- The latest time that any charge came with: time never runs backwards.
CREATE TABLE clock (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    now INTEGER NOT NULL CHECK (now >= 0)
) STRICT;
INSERT INTO clock (id, now) VALUES (1, 0);

-- What is counted, for whom. AUTOINCREMENT, so that the number of a counter that was swept never comes again.
CREATE TABLE counters (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    scope      TEXT NOT NULL CHECK (scope IN ('principal', 'anonymous', 'server', 'everyone')),
    scope_name TEXT NOT NULL,
    name       TEXT NOT NULL,
    quota      TEXT NOT NULL,
    window     TEXT NOT NULL, -- 'fixed:<unit>' or 'sliding:<seconds>'
    used       TEXT NOT NULL, -- fixed: in the period; sliding: the sum of its costs
    since      INTEGER NOT NULL CHECK (since >= 0), -- fixed: when the period began; sliding: 0
    grid       INTEGER NOT NULL CHECK (grid >= 1),  -- sliding: milliseconds between instants that are told apart
    costs      INTEGER NOT NULL CHECK (costs >= 0), -- sliding: how many
    idle_from  INTEGER NOT NULL, -- from when on nothing of it counts, so that it can be swept
    UNIQUE (scope, scope_name, name, quota, window)
) STRICT;

-- What sliding windows hold, one row for each instant.
CREATE TABLE costs (
    counter INTEGER NOT NULL REFERENCES counters (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL CHECK (at >= 0),
    cost    TEXT NOT NULL,
    PRIMARY KEY (counter, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket        TEXT NOT NULL UNIQUE,
    -- Never 'expired': that is read from the time.
    status        TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'used', 'withdrawn')),
    binding       BLOB NOT NULL CHECK (length(binding) = 32),
    server        TEXT NOT NULL,
    method        TEXT NOT NULL,
    target        TEXT,
    principal     TEXT,
    session       TEXT NOT NULL,
    arguments     TEXT NOT NULL, -- JSON
    rules         TEXT NOT NULL, -- a JSON array of texts
    message       TEXT NOT NULL,
    expires_after INTEGER NOT NULL CHECK (expires_after >= 0), -- seconds
    created       INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    decided_at    INTEGER,
    decided_by    TEXT,
    reason        TEXT,
    used_at       INTEGER,
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    CHECK ((status IN ('approved', 'denied', 'used')) = (decided_at IS NOT NULL)),
    CHECK ((status = 'used') = (used_at IS NOT NULL))
) STRICT;
CREATE INDEX approvals_of_binding ON approvals (binding, expires);
CREATE INDEX approvals_pending ON approvals (expires) WHERE status = 'pending';
CREATE INDEX approvals_over ON approvals (expires);
