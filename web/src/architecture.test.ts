import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const src = join(process.cwd(), 'src');
/** From the top down: a file may import from its own layer and from those after it. */
const layers = ['main.tsx', 'routes', 'features', 'components', 'state', 'protocol', 'i18n', 'lib'];
const mostLines = 400;

function* files(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (/\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) && name !== 'generated.ts') yield path;
  }
}

it('imports go downward only', () => {
  const wrong: string[] = [];
  for (const path of files(src)) {
    const own = layers.indexOf(relative(src, path).split('/')[0] ?? '');
    for (const [, target] of readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'@\/([\w-]+)/g)) {
      const other = layers.indexOf(target ?? '');
      if (own >= 0 && (other < 0 || other < own)) wrong.push(`${relative(src, path)} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

it('no file has more than one subject’s worth of lines', () => {
  const long = [...files(src)].filter((path) => readFileSync(path, 'utf8').split('\n').length > mostLines);
  expect(long.map((path) => relative(src, path))).toEqual([]);
});
