import type { Command, CommanderError } from 'commander';
import { counted } from './counted.ts';

/**
 * What is wrong with the words of a command line, as a sentence. It names options and counts words,
 * and repeats no value: a value may be a secret that stands where another was meant, or a person.
 */
export function usageSentence(error: CommanderError, words: readonly string[], program: Command): string {
  const command = commandNamed(words, program);
  return `Failed to read the arguments: ${withoutValues(error)}. Run ${commandLine(command)} --help.`;
}

/** The command that these words name, as far as they do. */
function commandNamed(words: readonly string[], program: Command): Command {
  let command = program;
  for (const word of words) {
    const inner = command.commands.find((each) => each.name() === word);
    if (inner === undefined) break;
    command = inner;
  }
  return command;
}

function commandLine(command: Command): string {
  return command.parent === null ? command.name() : `${commandLine(command.parent)} ${command.name()}`;
}

/** Commander's sentence repeats values of the command line; this is the same without them. */
function withoutValues({ code, message }: CommanderError): string {
  const [sentence = '', suggestion] = message.replace(/^error: /, '').split('\n(Did you mean ');
  return `${wordsOf(code, sentence)}${suggestion === undefined ? '' : ` (did you mean ${suggestion.replace('?', '')}`}`;
}

function wordsOf(code: string, sentence: string): string {
  switch (code) {
    case 'commander.unknownOption': {
      const [name = ''] = /(?<=^unknown option ')(?:--[a-z][a-z-]{0,40}(?==|'$)|-[^-])/.exec(sentence) ?? [];
      return name === '' ? 'there is an unknown option' : `unknown option ${name}`;
    }
    case 'commander.unknownCommand': {
      const [name = ''] = /(?<=^unknown command ')[a-z][a-z-]{0,20}(?='$)/.exec(sentence) ?? [];
      return name === '' ? 'there is an unknown command' : `unknown command ${name}`;
    }
    case 'commander.missingMandatoryOptionValue':
      return sentence.replace(/^required option '(.*)' not specified$/s, '$1 is missing');
    case 'commander.optionMissingArgument':
      return sentence.replace(/^option '(.*)' argument missing$/s, '$1 has no value');
    case 'commander.missingArgument':
      return sentence.replace(/^missing required argument '(.*)'$/s, 'the argument <$1> is missing');
    case 'commander.excessArguments': {
      const [, most = '', written = ''] = /Expected (\d+) arguments? but got (\d+)/.exec(sentence) ?? [];
      const taken = most === '0' ? 'no argument' : counted(Number(most), 'argument');
      return `the command takes ${taken}, and there are ${written}`;
    }
    case 'commander.invalidArgument':
      return sentence.replace(/ (?:argument|value) '.*' is invalid/s, ' is invalid').replace(/\.$/, '');
    default:
      return sentence.replace(/\.$/, '');
  }
}
