import stack from './index.ts';
import { activationsFolder } from './operator-files.ts';

/** What Pulumi runs: the program, with the activation files that the handler's package has. */
export default () => stack(activationsFolder);
