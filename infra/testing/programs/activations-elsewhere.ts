import stack from '../../index.ts';

/** The product's program, with the activation files of another folder, so that a test can change them. */
export default () => stack(process.env.ACTIVATIONS_FOLDER);
