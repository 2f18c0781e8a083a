-- In the database `fleet`, as an administrator: `psql --dbname=fleet --file=roles.sql`, then
-- `\password roomctl` and `\password roomctl_reader`.

CREATE ROLE roomctl LOGIN;
CREATE ROLE roomctl_reader LOGIN;
GRANT CONNECT ON DATABASE fleet TO roomctl, roomctl_reader;

-- One schema for each state. On some managed servers first: GRANT roomctl TO CURRENT_USER;
CREATE SCHEMA roomctl AUTHORIZATION roomctl;

-- The tables do not exist yet: the first apply creates them.
GRANT USAGE ON SCHEMA roomctl TO roomctl_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE roomctl IN SCHEMA roomctl
    GRANT SELECT ON TABLES TO roomctl_reader;
