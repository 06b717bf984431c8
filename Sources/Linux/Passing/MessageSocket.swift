import CLinux
import Glibc

/// A message with the descriptors that came with it.
package struct ReceivedMessage: ~Copyable {
    package private(set) var bytes: [UInt8]
    package let descriptors: DescriptorList

    fileprivate init(bytes: [UInt8], descriptors: consuming DescriptorList) {
        self.bytes = bytes
        self.descriptors = descriptors
    }

    /// Overwrites the bytes with zero, when they were secret.
    package mutating func wipe() { bytes.wipe() }

    /// The descriptors, to be taken one by one.
    package consuming func takeDescriptors() -> DescriptorList { descriptors }
}

/// Descriptors owned together: closed together unless each is taken.
package struct DescriptorList: ~Copyable {
    private var numbers: [Int32]

    package init() { numbers = [] }

    internal init(owning numbers: [Int32]) { self.numbers = numbers }

    deinit { for number in numbers { _ = close(number) } }

    package var count: Int { numbers.count }

    /// Takes the first descriptor out; nil when there is none left.
    package mutating func takeFirst() -> FileDescriptor? {
        numbers.isEmpty ? nil : FileDescriptor(owning: numbers.removeFirst())
    }
}

/// One end of a connection between two processes of this machine that keeps message boundaries and
/// carries descriptors (SOCK_SEQPACKET, SCM_RIGHTS of unix(7)). Never blocks longer than it is told.
package struct MessageSocket: ~Copyable, Sendable {
    /// Bytes of the longest message; fits the kernel's default send buffer.
    package static let longestMessage = 64 << 10
    /// Descriptors of one message at most (SCM_MAX_FD of the kernel).
    package static let mostDescriptors = 253

    private let descriptor: FileDescriptor

    package var raw: Int32 { descriptor.raw }

    /// Takes over a connected, non-blocking SOCK_SEQPACKET socket.
    package init(owning descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Two connected ends of a socket.
    package struct Pair: ~Copyable {
        package let ours: MessageSocket
        /// To be handed to the other process.
        package let theirs: FileDescriptor

        /// Keeps our end and closes the other one here.
        package consuming func takeOurs() -> MessageSocket { ours }
    }

    /// Two connected ends; hand one to the other process.
    package static func pair() throws(SystemError) -> Pair {
        var ends: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let code = unsafe withUnsafeMutablePointer(to: &ends) { pointer in
            unsafe pointer.withMemoryRebound(to: Int32.self, capacity: 2) {
                unsafe socketpair(AF_UNIX, type, 0, $0)
            }
        }
        guard code == 0 else { throw .last("socketpair") }
        return Pair(
            ours: MessageSocket(owning: FileDescriptor(owning: ends.0)),
            theirs: FileDescriptor(owning: ends.1)
        )
    }

    /// Another descriptor for the same end.
    package func duplicate() throws(SystemError) -> FileDescriptor { try descriptor.duplicate() }

    /// Sends one message.
    ///
    /// - Parameters:
    ///   - bytes: 1 to `longestMessage`.
    ///   - descriptors: stay open here; the peer gets copies. At most `mostDescriptors`.
    ///   - milliseconds: how long to wait for room.
    /// - Throws: EAGAIN when there was no room in time, EPIPE when the peer is gone.
    package func send(
        _ bytes: Span<UInt8>,
        descriptors: [Int32] = [],
        within milliseconds: Int32
    ) throws(SystemError) {
        precondition(!bytes.isEmpty && bytes.count <= Self.longestMessage, "a message has 1 to 65536 bytes")
        precondition(descriptors.count <= Self.mostDescriptors, "a message carries at most 253 descriptors")
        while true {
            let sent = Self.transmit(descriptor.raw, bytes, descriptors, to: nil)
            if sent == bytes.count { return }
            guard sent < 0, errno == EAGAIN else { throw .last("sendmsg") }
            guard wait(for: POLLOUT, milliseconds) else { throw SystemError("sendmsg", EAGAIN) }
        }
    }

    /// Receives one message.
    ///
    /// - Parameter milliseconds: how long to wait for one; 0 only looks, -1 waits without bound.
    /// - Returns: nil when none came in time.
    /// - Throws: EPIPE when the peer is gone; EMSGSIZE when the message or its descriptors did not fit.
    package func receive(within milliseconds: Int32) throws(SystemError) -> ReceivedMessage? {
        guard wait(for: POLLIN, milliseconds) else { return nil }
        var numbers: [Int32] = []
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.longestMessage) { room, count in
            let got = unsafe Self.take(descriptor.raw, UnsafeMutableRawBufferPointer(room), &numbers)
            switch got {
            case .success(let length): count = length
            case .failure(let error): failure = error
            }
        }
        let descriptors = DescriptorList(owning: numbers)
        if let failure {
            if failure.code == EAGAIN { return nil }
            throw failure
        }
        guard !bytes.isEmpty else { throw SystemError("recvmsg", EPIPE) }
        return ReceivedMessage(bytes: bytes, descriptors: descriptors)
    }

    private func wait(for events: Int32, _ milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor.raw, events: Int16(events), revents: 0)
        return retrying { unsafe Glibc.poll(&poll, 1, milliseconds) } > 0
    }

    // MARK: The control message's layout, which C knows through macros only: a header of 16 bytes
    // (length, level, type), then the descriptors, padded to 8.

    private static let headerSize = 16
    private static func space(_ count: Int) -> Int { headerSize + (count * 4 + 7) & ~7 }

    /// sendmsg(2) with descriptors; -1 with errno set when it failed.
    internal static func transmit(
        _ fd: Int32,
        _ bytes: Span<UInt8>,
        _ descriptors: [Int32],
        to address: UnixAddress?
    ) -> Int {
        // Sound: every pointer put into the header outlives the call, with the length given beside it.
        unsafe bytes.withUnsafeBytes { payload in
            var piece = unsafe iovec(
                iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress),
                iov_len: payload.count
            )
            return unsafe withUnsafeMutablePointer(to: &piece) { piece in
                unsafe withUnsafeTemporaryAllocation(byteCount: space(mostDescriptors), alignment: 8) { control in
                    var header = unsafe msghdr()
                    unsafe header.msg_iov = piece
                    unsafe header.msg_iovlen = 1
                    if !descriptors.isEmpty {
                        unsafe control.initializeMemory(as: UInt8.self, repeating: 0)
                        unsafe control.storeBytes(of: headerSize + descriptors.count * 4, as: Int.self)
                        unsafe control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
                        unsafe control.storeBytes(of: Int32(SCM_RIGHTS), toByteOffset: 12, as: Int32.self)
                        for (index, number) in descriptors.enumerated() {
                            unsafe control.storeBytes(
                                of: number,
                                toByteOffset: headerSize + index * 4,
                                as: Int32.self
                            )
                        }
                        unsafe header.msg_control = control.baseAddress
                        unsafe header.msg_controllen = space(descriptors.count)
                    }
                    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
                    guard let address else { return retrying { unsafe sendmsg(fd, &header, flags) } }
                    return unsafe address.with { name, length in
                        unsafe header.msg_name = UnsafeMutableRawPointer(mutating: name)
                        unsafe header.msg_namelen = length
                        return retrying { unsafe sendmsg(fd, &header, flags) }
                    }
                }
            }
        }
    }

    private static func take(
        _ fd: Int32,
        _ room: UnsafeMutableRawBufferPointer,
        _ numbers: inout [Int32]
    ) -> Result<Int, SystemError> {
        var piece = unsafe iovec(iov_base: room.baseAddress, iov_len: room.count)
        // Sound: as in transmit; what is read of the control message is bounded by the length it reports.
        return unsafe withUnsafeMutablePointer(to: &piece) { piece in
            unsafe withUnsafeTemporaryAllocation(byteCount: space(mostDescriptors), alignment: 8) { control in
                var header = unsafe msghdr()
                unsafe header.msg_iov = piece
                unsafe header.msg_iovlen = 1
                unsafe header.msg_control = control.baseAddress
                unsafe header.msg_controllen = control.count
                let flags = Int32(MSG_DONTWAIT) | Int32(MSG_CMSG_CLOEXEC)
                let got = retrying { unsafe recvmsg(fd, &header, flags) }
                guard got >= 0 else { return .failure(.last("recvmsg")) }
                var offset = 0
                let end = unsafe min(header.msg_controllen, control.count)
                while offset + headerSize <= end {
                    let length = unsafe control.load(fromByteOffset: offset, as: Int.self)
                    guard length >= headerSize, length <= end - offset else { break }
                    let level = unsafe control.load(fromByteOffset: offset + 8, as: Int32.self)
                    let type = unsafe control.load(fromByteOffset: offset + 12, as: Int32.self)
                    if level == SOL_SOCKET, type == Int32(SCM_RIGHTS) {
                        for place in stride(from: offset + headerSize, to: offset + length - 3, by: 4) {
                            unsafe numbers.append(control.load(fromByteOffset: place, as: Int32.self))
                        }
                    }
                    offset += (length + 7) & ~7
                }
                let lost = Int32(MSG_TRUNC) | Int32(MSG_CTRUNC)
                guard unsafe header.msg_flags & lost == 0 else { return .failure(SystemError("recvmsg", EMSGSIZE)) }
                return .success(got)
            }
        }
    }
}
