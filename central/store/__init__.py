"""Central's database: tables, engine, migrations."""
