-- One line for each object of the schema $1: its kind and name, a colon, and
-- all that matters of it. Owners are left out: they are the office's affair.
SELECT line FROM (
	SELECT 'table ' || c.relname || ': ' || c.relkind::text || ' ' || c.relpersistence::text || CASE WHEN c.relrowsecurity THEN ' rls' ELSE '' END AS line
	  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE n.nspname = $1 AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c') AND c.relname <> 'goose_db_version'
	UNION ALL
	SELECT 'column ' || c.relname || '.' || a.attname || ': ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
		|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
	  FROM pg_catalog.pg_attribute AS a
	  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	 WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'goose_db_version'
	UNION ALL
	SELECT 'index ' || c.relname || ': ' || pg_catalog.pg_get_indexdef(c.oid)
	  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	  JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
	 WHERE n.nspname = $1 AND t.relkind = 'r' AND t.relname <> 'goose_db_version'
	UNION ALL
	SELECT 'constraint ' || t.relname || '.' || c.conname || ': ' || pg_catalog.pg_get_constraintdef(c.oid)
	  FROM pg_catalog.pg_constraint AS c
	  JOIN pg_catalog.pg_class AS t ON t.oid = c.conrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
	 WHERE n.nspname = $1 AND t.relname <> 'goose_db_version' AND c.contype <> 'n'
	UNION ALL
	SELECT 'trigger ' || c.relname || '.' || t.tgname || ': ' || t.tgenabled::text || ' ' || pg_catalog.pg_get_triggerdef(t.oid)
	  FROM pg_catalog.pg_trigger AS t
	  JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE n.nspname = $1 AND NOT t.tgisinternal
	UNION ALL
	SELECT 'rule ' || c.relname || '.' || r.rulename || ': ' || pg_catalog.pg_get_ruledef(r.oid)
	  FROM pg_catalog.pg_rewrite AS r
	  JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE n.nspname = $1
	UNION ALL
	SELECT 'function ' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || '): '
		|| pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.prosrc || ' ' || coalesce(p.proconfig::text, '') || ' ' || p.prosecdef::text, 'UTF8')), 'hex')
	  FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
	 WHERE n.nspname = $1
) AS lines
 ORDER BY line COLLATE "C"
