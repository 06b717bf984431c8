/// The segment of TCP that begins a connection, and alone announces a segment size (RFC 9293, section 3.7.1).
enum TCPOpening {
    /// Values of the byte of flags with SYN, and without FIN, RST and ACK.
    static let flags = IntervalSet((UInt8.min...UInt8.max).filter { $0 & 0x17 == 0x02 }.map { $0...$0 })
}
