# Runs a PostgreSQL server in a folder of its own. Takes the folder of its programs, the password of the
# superuser `postgres`, what the server keeps of that of `fleet`, and settings; then one command a line, each answered by `done` or `failed`.
# It ends with its standard input, which ends with the test process.
trap '' INT HUP TERM
bin=$1 superuser=$2 owner=$3
shift 3
folder=$(mktemp -d) && cd "$folder" || exit 1
as=
if [ "$(id -u)" = 0 ]; then
    # It refuses to run as root.
    chown nobody "$folder"
    as="setpriv --reuid=$(id -u nobody) --regid=$(id -g nobody) --clear-groups"
fi

initialize() {
    # mktemp made the folder for its owner only.
    printf '%s\n' "$superuser" >password &&
        $as "$bin/initdb" --pgdata=data --username=postgres --auth=scram-sha-256 --pwfile=password \
            --encoding=UTF8 --locale=C --no-sync --no-instructions &&
        for setting in "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''" "$@"; do
            printf '%s\n' "$setting" >>data/postgresql.conf
        done
}

start() {
    $as "$bin/pg_ctl" start -w -D data -l log -o "-p $1"
}

stop() {
    [ ! -e data/postmaster.pid ] || $as "$bin/pg_ctl" stop -w -m immediate -D data
}

create() {
    PGPASSWORD=$superuser "$bin/psql" -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$1" -U postgres -d postgres \
        -c "CREATE ROLE fleet LOGIN PASSWORD '$owner'" -c 'CREATE DATABASE fleet OWNER fleet'
}

initialize "$@" >initialized 2>&1 || cat initialized >&2
while read -r command port; do
    if "$command" "$port" >output 2>&1; then
        echo 'done'
    else
        tail -n 20 output log >&2
        echo failed
    fi
done
stop >/dev/null 2>&1
cd / && rm -rf "$folder"
