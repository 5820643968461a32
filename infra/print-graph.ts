import { graphSvg } from './graph-svg.ts';
import { runStackCommand } from './stack-command.ts';
import { stackGraph } from './stack-graph.ts';

const help = `Prints a picture (SVG) of a stack: its components, and which may talk to which, with what allows it.

  npm run --silent infra:graph -- --stack dev > dev.svg

It is read off the same resources that infra:resources prints; needs neither credentials nor the Pulumi CLI.
`;

await runStackCommand(help, (resources, stack) => graphSvg(stackGraph(resources), `Activation Hub: ${stack}`));
