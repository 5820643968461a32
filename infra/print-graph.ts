import { graphMermaid } from './graph-mermaid.ts';
import { runStackCommand } from './stack-command.ts';
import { stackGraph } from './stack-graph.ts';

const help = `Prints a picture (Mermaid) of a stack: its components, and which may talk to which, with what allows it.
Thick arrows go through a private endpoint. GitHub and GitLab draw the file, and editors with an extension.

  npm run --silent infra:graph -- --stack dev > dev.mmd

It is read off the same resources that infra:resources prints; needs neither credentials nor the Pulumi CLI.
`;

await runStackCommand(help, (resources) => graphMermaid(stackGraph(resources)));
