/// A listening socket, open as long as somebody refers to it. Several processes may hold the same one.
package final class ListeningSocket: Sendable {
    private let descriptor: FileDescriptor

    /// For calls made while the object lives.
    package var raw: Int32 { descriptor.raw }

    package init(owning descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Another descriptor for the same socket.
    package func duplicate() throws(SystemError) -> FileDescriptor { try descriptor.duplicate() }
}
