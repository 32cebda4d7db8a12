-- The lending library of tools: who has the drill, and since when?
CREATE TABLE tool (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE,
    deposit  NUMERIC NOT NULL CHECK (deposit >= 0)
);

CREATE TABLE loan (
    tool_id  INTEGER NOT NULL REFERENCES tool (id) ON DELETE RESTRICT,
    member   TEXT    NOT NULL,
    lent_at  DATE    NOT NULL,
    back_at  DATE
);

INSERT INTO tool VALUES
    (1, 'hammer drill with two batteries', 30),
    (2, 'wallpaper table', 5),
    (3, 'sewing machine for sailcloth', 60);

-- Everything that has been out for longer than three weeks.
CREATE VIEW overdue AS
SELECT tool.name, loan.member, julianday('now') - julianday(loan.lent_at) AS days
FROM loan
JOIN tool ON tool.id = loan.tool_id
WHERE loan.back_at IS NULL
  AND julianday('now') - julianday(loan.lent_at) > 21
ORDER BY days DESC; -- the worst sinner comes first
