import Glibc
import Linux
import Testing

@Suite("Whether a peer has said something")
struct SilenceTests {
    @Test("a byte is seen without being taken, and so is an end")
    func seen() throws {
        var ends: [Int32] = [0, 0]
        let code = unsafe socketpair(AF_UNIX, 1, 0, &ends)  // SOCK_STREAM
        try #require(code == 0)
        let (near, far) = (ends[0], ends[1])
        defer {
            close(near)
            close(far)
        }
        #expect(Socket.isSilent(near))
        let bytes: [UInt8] = [7]
        #expect(FileWriting.append(bytes.span, to: far) == 1)
        #expect(!Socket.isSilent(near))
        #expect(!Socket.isSilent(near))
        var byte: UInt8 = 0
        let count = unsafe recv(near, &byte, 1, 0)
        #expect(count == 1 && byte == 7)
        #expect(Socket.isSilent(near))
        shutdown(far, Int32(SHUT_WR))
        #expect(!Socket.isSilent(near))
    }
}
