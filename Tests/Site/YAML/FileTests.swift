import Glibc
import Testing

@testable import Site

@Suite struct FileTests {
    @Test func aFileThatIsNotThere() {
        let outcome = SiteFile.load(path: "/nonexistent/site.yaml")
        #expect(outcome.model == nil)
        #expect(
            outcome.text == """
                /nonexistent/site.yaml: error: the site file cannot be read: No such file or directory [unreadable]
                      = help: name it with --site or GATEHOUSE_SITE, and see that it may be read
                """
        )
    }

    @Test(arguments: ["/", "/dev/null", "/dev/zero"])
    func whatIsNoFile(path: String) {
        #expect(SiteFile.load(path: path).diagnostics.map(\.code) == [.unreadable])
    }

    /// A sparse file of 200 MB: refused by its size, before a byte is read.
    @Test func aHugeFile() throws {
        try withTemporaryFile(size: 200_000_000) { path in
            #expect(summary(SiteFile.load(path: path).diagnostics) == ["0:0 error too-large"])
        }
    }

    /// Zeros up to the very limit: read whole, and refused as no text.
    @Test func aBinaryFile() throws {
        try withTemporaryFile(size: 16 << 20) { path in
            #expect(summary(SiteFile.load(path: path).diagnostics) == ["1:1 error syntax"])
        }
    }

    @Test func aFifoDoesNotHang() {
        let path = "/tmp/gatehouse-site-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        defer { unsafe unlink(path) }
        #expect(SiteFile.load(path: path).diagnostics.map(\.code) == [.unreadable])
    }

    private func withTemporaryFile(size: Int, _ body: (String) throws -> Void) throws {
        let path = "/tmp/gatehouse-site-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { unsafe unlink(path) }
        let result = ftruncate(descriptor, size)
        close(descriptor)
        try #require(result == 0)
        try body(path)
    }
}
