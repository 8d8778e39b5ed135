//! The columns of PostgreSQL's catalogue that clients ask for, as in version 14.

/// Schema and name, then columns: `:i` a whole number, `:f` any number, `:b` yes or no, the rest texts.
pub const LAYOUT: &[(&str, &str)] = &[
    ("pg_catalog.pg_namespace", "oid:i nspname nspowner:i nspacl"),
    (
        "pg_catalog.pg_class",
        "oid:i relname relnamespace:i reltype:i reloftype:i relowner:i relam:i relfilenode:i reltablespace:i relpages:i reltuples:f \
         relallvisible:i reltoastrelid:i relhasindex:b relisshared:b relpersistence relkind relnatts:i relchecks:i relhasrules:b \
         relhastriggers:b relhassubclass:b relrowsecurity:b relforcerowsecurity:b relispopulated:b relreplident relispartition:b \
         relrewrite:i relfrozenxid:i relminmxid:i relacl reloptions relpartbound xmin:i",
    ),
    (
        "pg_catalog.pg_attribute",
        "attrelid:i attname atttypid:i attstattarget:i attlen:i attnum:i attndims:i attcacheoff:i atttypmod:i attbyval:b attstorage \
         attalign attcompression attnotnull:b atthasdef:b atthasmissing:b attidentity attgenerated attisdropped:b attislocal:b \
         attinhcount:i attcollation:i attacl attoptions attfdwoptions attmissingval",
    ),
    (
        "pg_catalog.pg_type",
        "oid:i typname typnamespace:i typowner:i typlen:i typbyval:b typtype typcategory typispreferred:b typisdefined:b typdelim \
         typrelid:i typsubscript typelem:i typarray:i typinput typoutput typreceive typsend typmodin typmodout typanalyze typalign \
         typstorage typnotnull:b typbasetype:i typtypmod:i typndims:i typcollation:i typdefaultbin typdefault typacl",
    ),
    (
        "pg_catalog.pg_database",
        "oid:i datname datdba:i encoding:i datcollate datctype datistemplate:b datallowconn:b datconnlimit:i datlastsysoid:i \
         datfrozenxid:i datminmxid:i dattablespace:i datacl",
    ),
    (
        "pg_catalog.pg_roles",
        "oid:i rolname rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b rolreplication:b rolconnlimit:i \
         rolpassword rolvaliduntil rolbypassrls:b rolconfig",
    ),
    ("pg_catalog.pg_user", "usename usesysid:i usecreatedb:b usesuper:b userepl:b usebypassrls:b passwd valuntil useconfig"),
    ("pg_catalog.pg_tables", "schemaname tablename tableowner tablespace hasindexes:b hasrules:b hastriggers:b rowsecurity:b"),
    (
        "pg_catalog.pg_settings",
        "name setting unit category short_desc extra_desc context vartype source min_val max_val enumvals",
    ),
    ("pg_catalog.pg_am", "oid:i amname amhandler amtype"),
    ("pg_catalog.pg_attrdef", "oid:i adrelid:i adnum:i adbin"),
    ("pg_catalog.pg_auth_members", "roleid:i member:i grantor:i admin_option:b"),
    ("pg_catalog.pg_cast", "oid:i castsource:i casttarget:i castfunc:i castcontext castmethod"),
    ("pg_catalog.pg_collation", "oid:i collname collnamespace:i collowner:i collprovider collencoding:i collcollate collctype"),
    (
        "pg_catalog.pg_constraint",
        "oid:i conname connamespace:i contype condeferrable:b condeferred:b convalidated:b conrelid:i contypid:i conindid:i \
         conparentid:i confrelid:i confupdtype confdeltype confmatchtype conislocal:b coninhcount:i connoinherit:b conkey confkey \
         conpfeqop conppeqop conffeqop conexclop conbin",
    ),
    ("pg_catalog.pg_depend", "classid:i objid:i objsubid:i refclassid:i refobjid:i refobjsubid:i deptype"),
    ("pg_catalog.pg_description", "objoid:i classoid:i objsubid:i description"),
    ("pg_catalog.pg_shdescription", "objoid:i classoid:i description"),
    ("pg_catalog.pg_enum", "oid:i enumtypid:i enumsortorder:f enumlabel"),
    ("pg_catalog.pg_event_trigger", "oid:i evtname evtevent evtowner:i evtfoid:i evtenabled evttags"),
    ("pg_catalog.pg_extension", "oid:i extname extowner:i extnamespace:i extrelocatable:b extversion extconfig extcondition"),
    ("pg_catalog.pg_foreign_data_wrapper", "oid:i fdwname fdwowner:i fdwhandler:i fdwvalidator:i fdwacl fdwoptions"),
    ("pg_catalog.pg_foreign_server", "oid:i srvname srvowner:i srvfdw:i srvtype srvversion srvacl srvoptions"),
    ("pg_catalog.pg_foreign_table", "ftrelid:i ftserver:i ftoptions"),
    (
        "pg_catalog.pg_index",
        "indexrelid:i indrelid:i indnatts:i indnkeyatts:i indisunique:b indisprimary:b indisexclusion:b indimmediate:b \
         indisclustered:b indisvalid:b indcheckxmin:b indisready:b indislive:b indisreplident:b indkey indcollation indclass indoption \
         indexprs indpred",
    ),
    ("pg_catalog.pg_indexes", "schemaname tablename indexname tablespace indexdef"),
    ("pg_catalog.pg_inherits", "inhrelid:i inhparent:i inhseqno:i inhdetachpending:b"),
    (
        "pg_catalog.pg_language",
        "oid:i lanname lanowner:i lanispl:b lanpltrusted:b lanplcallfoid:i laninline:i lanvalidator:i lanacl",
    ),
    ("pg_catalog.pg_matviews", "schemaname matviewname matviewowner tablespace hasindexes:b ispopulated:b definition"),
    (
        "pg_catalog.pg_opclass",
        "oid:i opcmethod:i opcname opcnamespace:i opcowner:i opcfamily:i opcintype:i opcdefault:b opckeytype:i",
    ),
    (
        "pg_catalog.pg_partitioned_table",
        "partrelid:i partstrat partnatts:i partdefid:i partattrs partclass partcollation partexprs",
    ),
    ("pg_catalog.pg_policy", "oid:i polname polrelid:i polcmd polpermissive:b polroles polqual polwithcheck"),
    (
        "pg_catalog.pg_proc",
        "oid:i proname pronamespace:i proowner:i prolang:i procost:f prorows:f provariadic:i prosupport prokind prosecdef:b \
         proleakproof:b proisstrict:b proretset:b provolatile proparallel pronargs:i pronargdefaults:i prorettype:i proargtypes \
         proallargtypes proargmodes proargnames proargdefaults protrftypes prosrc probin prosqlbody proconfig proacl",
    ),
    (
        "pg_catalog.pg_publication",
        "oid:i pubname pubowner:i puballtables:b pubinsert:b pubupdate:b pubdelete:b pubtruncate:b pubviaroot:b",
    ),
    ("pg_catalog.pg_publication_rel", "oid:i prpubid:i prrelid:i"),
    ("pg_catalog.pg_range", "rngtypid:i rngsubtype:i rngmultitypid:i rngcollation:i rngsubopc:i rngcanonical rngsubdiff"),
    ("pg_catalog.pg_rewrite", "oid:i rulename ev_class:i ev_type ev_enabled is_instead:b ev_qual ev_action"),
    ("pg_catalog.pg_sequence", "seqrelid:i seqtypid:i seqstart:i seqincrement:i seqmax:i seqmin:i seqcache:i seqcycle:b"),
    (
        "pg_catalog.pg_sequences",
        "schemaname sequencename sequenceowner data_type start_value:i min_value:i max_value:i last_value:i",
    ),
    (
        "pg_catalog.pg_stat_activity",
        "datid:i datname pid:i usesysid:i usename application_name client_addr state query backend_type",
    ),
    ("pg_catalog.pg_stat_user_tables", "relid:i schemaname relname seq_scan:i n_live_tup:i n_dead_tup:i"),
    (
        "pg_catalog.pg_statistic_ext",
        "oid:i stxrelid:i stxname stxnamespace:i stxowner:i stxstattarget:i stxkeys stxkind stxexprs",
    ),
    ("pg_catalog.pg_tablespace", "oid:i spcname spcowner:i spcacl spcoptions"),
    (
        "pg_catalog.pg_trigger",
        "oid:i tgrelid:i tgparentid:i tgname tgfoid:i tgtype:i tgenabled tgisinternal:b tgconstrrelid:i tgconstraint:i",
    ),
    ("pg_catalog.pg_views", "schemaname viewname viewowner definition"),
    (
        "information_schema.tables",
        "table_catalog table_schema table_name table_type self_referencing_column_name reference_generation user_defined_type_catalog \
         user_defined_type_schema user_defined_type_name is_insertable_into is_typed commit_action",
    ),
    (
        "information_schema.columns",
        "table_catalog table_schema table_name column_name ordinal_position:i column_default is_nullable data_type \
         character_maximum_length:i character_octet_length:i numeric_precision:i numeric_precision_radix:i numeric_scale:i \
         datetime_precision:i interval_type interval_precision:i collation_catalog collation_schema collation_name domain_catalog \
         domain_schema domain_name udt_catalog udt_schema udt_name is_self_referencing is_identity identity_generation is_generated \
         generation_expression is_updatable",
    ),
    ("information_schema.schemata", "catalog_name schema_name schema_owner default_character_set_name sql_path"),
    (
        "information_schema.views",
        "table_catalog table_schema table_name view_definition check_option is_updatable is_insertable_into",
    ),
    (
        "information_schema.table_constraints",
        "constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name constraint_type is_deferrable",
    ),
    (
        "information_schema.key_column_usage",
        "constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name column_name ordinal_position:i \
         position_in_unique_constraint:i",
    ),
    ("information_schema.constraint_column_usage", "table_schema table_name column_name constraint_schema constraint_name"),
    (
        "information_schema.referential_constraints",
        "constraint_schema constraint_name unique_constraint_schema unique_constraint_name match_option update_rule delete_rule",
    ),
    ("information_schema.table_privileges", "grantor grantee table_catalog table_schema table_name privilege_type is_grantable"),
    ("information_schema.routines", "specific_schema specific_name routine_schema routine_name routine_type data_type"),
    ("information_schema.sequences", "sequence_catalog sequence_schema sequence_name data_type"),
];

/// The tables that have rows; all others are empty here.
pub const FILLED: [&str; 12] = [
    "pg_catalog.pg_am",
    "pg_catalog.pg_attribute",
    "pg_catalog.pg_class",
    "pg_catalog.pg_database",
    "pg_catalog.pg_namespace",
    "pg_catalog.pg_roles",
    "pg_catalog.pg_tables",
    "pg_catalog.pg_type",
    "pg_catalog.pg_user",
    "information_schema.columns",
    "information_schema.schemata",
    "information_schema.tables",
];

/// Columns that hold the name of a function where PostgreSQL has its number, which nobody can call.
pub const FUNCTIONS: [&str; 7] = ["typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout", "typanalyze"];

/// The columns of a table of the catalogue.
pub fn columns(table: &str) -> Option<&'static str> {
    LAYOUT.iter().find(|(name, _)| *name == table).map(|(_, columns)| *columns)
}

/// Is a schema one of PostgreSQL's own?
pub fn is_catalogue(schema: &str) -> bool {
    ["pg_catalog", "information_schema"].contains(&schema)
}
