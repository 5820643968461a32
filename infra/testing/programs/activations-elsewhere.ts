import stack from '../../index.ts';

/**
 * The product's program, with the activation files of another folder: those of `fixtures`, or what
 * a test has written.
 */
export default () => stack(process.env.ACTIVATIONS_FOLDER ?? 'ACTIVATIONS_FOLDER is not set');
