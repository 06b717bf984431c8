/// What is in force where nobody knows any more what should be: replies, what a network cannot do without, and SSH, by
/// which somebody can come and put it right. What the machine itself sends goes out.
enum ClosedRuleset {
    /// Loads the whole table anew.
    static func text(sshPorts: [UInt16]) -> String {
        """
        \(OwnTable.removal)table \(TableName.own) {
        \tchain input {
        \t\ttype filter hook input priority filter; policy drop;
        \t\tiifname "lo" accept comment "closed: loopback"
        \t\tct state established,related accept comment "closed: replies"
        \t\tmeta l4proto { icmp, ipv6-icmp } accept comment "closed: icmp"
        \t\tudp sport 67 udp dport 68 accept comment "closed: dhcp"
        \t\tip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "closed: dhcp"
        \t\ttcp dport { \(sshPorts.map(String.init).joined(separator: ", ")) } accept comment "closed: ssh"
        \t}
        \tchain forward {
        \t\ttype filter hook forward priority filter; policy drop;
        \t}
        }

        """
    }
}
