// Writes src/protocol/generated.ts from the schemas of the server's description. The calls are left out: Api.ts has them.
// openapi-typescript needs the API of TypeScript 5, so both are fetched for this run only.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const description = JSON.parse(readFileSync(new URL('../../docs/reference/openapi.json', import.meta.url), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'generate-types-'));
const schemas = join(folder, 'schemas.json');
writeFileSync(schemas, JSON.stringify({ ...description, paths: {} }));
const packages = ['typescript@5.9.3', 'openapi-typescript@7.13.0'].map((name) => `--package=${name}`);
const target = new URL('../src/protocol/generated.ts', import.meta.url).pathname;
const { status } = spawnSync('npm', ['exec', '--yes', ...packages, '--', 'openapi-typescript', schemas, '-o', target], {
  stdio: 'inherit',
});
rmSync(folder, { recursive: true });
process.exit(status ?? 1);
