/** One version of one file of `schemas`, as a registry knows it. */
export interface PublishedSchema {
  /** Stands in the frame of every record that was written with it; never used again. */
  readonly id: number;
  /** Path within `schemas`, such as `twins/v1/source.proto`. */
  readonly file: string;
  /** From 1. */
  readonly version: number;
  /** Files of ours that it imports. */
  readonly references: readonly string[];
  /** The whole file, Protocol Buffers 3. */
  readonly text: string;
  /** `google.protobuf.FileDescriptorProto` of it, without comments, in base64. */
  readonly descriptor: string;
}
