/*
 * The door for a process whose file was checked before, such as the start of the function app. The
 * other one brings the parser and the schemas along, for a bundler keeps a file with all that it
 * names.
 */
export { readChecked, writeChecked } from './checked-form.ts';
export { secretNames } from './secrets.ts';
