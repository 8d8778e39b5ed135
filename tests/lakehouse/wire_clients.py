"""Drivers of PostgreSQL at a datamart API: what each of them sees, as JSON. Usage: wire_clients.py HOST PORT"""

import asyncio
import json
import sys

import adbc_driver_postgresql.dbapi
import asyncpg
import psycopg
import sqlalchemy

HOST, PORT = sys.argv[1], int(sys.argv[2])
DSN = f"host={HOST} port={PORT} user=anybody dbname=fraud sslmode=disable"
URL = f"postgresql://anybody@{HOST}:{PORT}/fraud"
COUNT = "select count(*) as n, sum(tx_count) as total from gold.dm_client_features where tx_count > {}"
TABLE = "select * from gold.dm_client_features order by client_id"


def psycopg_sees():
    with psycopg.connect(DSN) as connection:
        counted = connection.execute(COUNT.format("%s"), (1,)).fetchone()
        binary = connection.execute(TABLE, binary=True).fetchall()
        text = connection.execute(TABLE).fetchall()
        with connection.cursor(name="steps") as cursor:
            cursor.itersize = 7
            cursor.execute(TABLE)
            steps = cursor.fetchall()
        with connection.cursor().copy("copy (select client_id from gold.dm_client_features) to stdout") as copy:
            copied = sum(1 for _ in copy.rows())
        return [*counted, binary == text == steps, copied]


async def asyncpg_sees():
    connection = await asyncpg.connect(host=HOST, port=PORT, user="anybody", database="fraud", ssl=False)
    counted = await connection.fetchrow(COUNT.format("$1"), 1)
    async with connection.transaction():
        rows = [row async for row in connection.cursor(TABLE, prefetch=7)]
    same = [tuple(row) for row in rows] == [tuple(row) for row in await connection.fetch(TABLE)]
    await connection.reset()
    await connection.close()
    return [counted["n"], int(counted["total"]), same, len(rows)]


def sqlalchemy_sees():
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://anybody@{HOST}:{PORT}/fraud?sslmode=disable")
    inspector = sqlalchemy.inspect(engine)
    columns = inspector.get_columns("dm_client_features", schema="gold")
    described = [sqlalchemy.Column(column["name"], column["type"]) for column in columns]
    table = sqlalchemy.Table("dm_client_features", sqlalchemy.MetaData(), *described, schema="gold")
    with engine.connect() as connection:
        query = sqlalchemy.select(sqlalchemy.func.count(), sqlalchemy.func.sum(table.c.tx_count)).where(table.c.tx_count > 1)
        counted = connection.execute(query).one()
        rows = connection.execute(sqlalchemy.select(table)).all()
    known = "dm_client_features" in inspector.get_table_names(schema="gold")
    return [counted[0], int(counted[1]), known and len(rows[0]) == len(columns), len(rows)]


def adbc_sees():
    with adbc_driver_postgresql.dbapi.connect(URL + "?sslmode=disable") as connection, connection.cursor() as cursor:
        counted = cursor.execute(COUNT.format("1")).fetchone()
        table = cursor.execute(TABLE).fetch_arrow_table()
        return [counted[0], int(counted[1]), table.column("client_id").null_count == 0, table.num_rows]


sees = {
    "psycopg": psycopg_sees(),
    "asyncpg": asyncio.run(asyncpg_sees()),
    "sqlalchemy": sqlalchemy_sees(),
    "adbc": adbc_sees(),
}
print(json.dumps(sees))
