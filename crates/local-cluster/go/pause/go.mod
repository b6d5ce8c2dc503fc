module elastic-chat.io/pause

go 1.21
