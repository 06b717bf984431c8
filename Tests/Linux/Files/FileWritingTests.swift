import Glibc
import Linux
import Testing

@Suite("Writing files")
struct FileWritingTests {
    /// Certificates are ordered by several threads at a time, and all of them keep one account.
    @Test("threads that replace one file at a time do not get into each other's way, and leave one whole")
    func manyThreads() throws {
        let folder = "/tmp/gatehouse-writing-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "account") }
        let path = "\(folder)/account"
        let failures = Parallel.map(Array(UInt8(0)..<8), threads: 8) { writer in
            (0..<100).count { _ in
                let bytes = [UInt8](repeating: writer, count: 10_000)
                do {
                    try FileWriting.replace(path, with: bytes.span, mode: 0o600)
                    return false
                } catch {
                    return true
                }
            }
        }
        #expect(failures == Array(repeating: 0, count: 8))
        let held = try FileReading.read(path, limit: 20_000)
        #expect(held.count == 10_000 && Set(held).count == 1)
    }
}
