-- What the owner of a key allows with it. NULL: no limit of its own, and the rates of the installation.
ALTER TABLE api_keys ADD COLUMN day_nano INTEGER CHECK (day_nano >= 0);
ALTER TABLE api_keys ADD COLUMN month_nano INTEGER CHECK (month_nano >= 0);
ALTER TABLE api_keys ADD COLUMN session_nano INTEGER CHECK (session_nano >= 0);
ALTER TABLE api_keys ADD COLUMN requests_per_minute INTEGER;
ALTER TABLE api_keys ADD COLUMN tokens_per_minute INTEGER;
ALTER TABLE api_keys ADD COLUMN concurrency INTEGER;
ALTER TABLE api_keys ADD COLUMN hedging INTEGER NOT NULL DEFAULT 1 CHECK (hedging IN (0, 1));
ALTER TABLE api_keys ADD COLUMN trial INTEGER NOT NULL DEFAULT 0 CHECK (trial IN (0, 1));
