import HTTPWire
import Testing

@Suite("Request ids of a peer")
struct RequestIDTests {
    @Test("are 1 to 128 bytes that JSON, HTML and logs show as they are")
    func set() {
        for byte in UInt8.min...UInt8.max {
            let isPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:@".utf8.contains(byte)
            for id in [[byte], [97, byte], [byte, 97]] { #expect(RequestID.isValid(id.span) == isPlain, "\(byte)") }
        }
        for count in [0, 1, 127, 128, 129, 5000] {
            #expect(RequestID.isValid(Array(repeating: 97, count: count).span) == (1...128).contains(count))
        }
    }
}
