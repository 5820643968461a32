export declare const root: string;
export interface RepositoryFile {
    /** Relative to the repository, with `/`. */
    readonly path: string;
    readonly text: string;
}
/** Every text file of the repository that git tracks, or would if it were added. */
export declare function repositoryFiles(): readonly RepositoryFile[];
/** The folders of all projects: apps, libraries, infrastructure, tools. */
export declare function projectFolders(): readonly string[];
//# sourceMappingURL=repository.d.ts.map