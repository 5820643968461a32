import type { Terminal } from './terminal.ts';

/** Names of options and of variables of the environment whose value is a secret, or holds one. */
const secretOption = /^--?[\w-]*(?:connection-string|storage|secret|password|token|-key)s?$/i;
const secretVariable = /^ACTIVATION_SECRET_|(?:secret|password|token|key|connection_?string|connection|storage)$/i;

/**
 * Where a text holds a secret, from any source: in a connection string, a signed URL, a header of
 * HTTP.
 */
const secretPart =
  /(?<=\b(?:SharedAccessKey|AccountKey|SharedAccessSignature|sig|code)[=:])[^\s;&"'…]{4,}|(?<=\bbearer )[^\s"'…]{4,}/gi;

/** A shorter text would be found in innocent words. */
const charactersMin = 8;

/**
 * The terminal as it is, but that `say` takes the secrets out which this command line and the
 * environment hold: what a command says besides its result is the place where libraries repeat what
 * they were given.
 */
export function withoutSecrets<Wrapped extends Terminal>(terminal: Wrapped, words: readonly string[]): Wrapped {
  const secrets = [...secretsIn(words), ...secretsOf(terminal.environment)]
    .flatMap((secret) => [secret, ...secret.split('\n')])
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .filter((secret) => secret.length >= charactersMin)
    // The longest first, so that a secret which holds another one leaves no rest behind.
    .sort((one, other) => other.length - one.length);
  const redacted = (line: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), line.replaceAll(secretPart, '[secret]'));
  return { ...terminal, say: (line) => terminal.say(redacted(line)) };
}

/** Values of options that hold secrets: the word after the name, or what follows `=`. */
function secretsIn(words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => {
    const [, option = '', value = ''] = /^(--?[\w-]+)=(.*)$/s.exec(word) ?? [];
    if (secretOption.test(option)) return [value];
    const [before = ''] = words.slice(Math.max(0, index - 1), index);
    return secretOption.test(before) && !word.startsWith('-') ? [word] : [];
  });
}

function secretsOf(environment: Terminal['environment']): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => (secretVariable.test(name) ? [value] : []));
}
