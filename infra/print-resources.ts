import { runStackCommand } from './stack-command.ts';

const help = `Prints every resource that a stack would register, as a JSON array of {"type","name","parent","inputs"}.

  npm run --silent infra:resources -- --stack dev

What only Azure can tell is {"unknown":true}, secrets are {"secret":true}. Ids are made of names, with a subscription
that does not exist. Needs neither credentials nor the Pulumi CLI.
`;

await runStackCommand(help, (resources) => {
  const printed = resources.map(({ type, name, parent, inputs }) => ({ type, name, parent: parent ?? null, inputs }));
  return `${JSON.stringify(printed, undefined, 2)}\n`;
});
